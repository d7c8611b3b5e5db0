"""The gold tables, one module each.

A module holds ``TABLE`` (a GoldTable) and ``build`` (Inputs -> DataFrame). It is found by being
here: adding a table is adding a module.
"""
