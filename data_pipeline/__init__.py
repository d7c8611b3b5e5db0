"""A Spark medallion lakehouse on AWS Glue for films, anime, music and books."""

__version__ = "0.1.0"
