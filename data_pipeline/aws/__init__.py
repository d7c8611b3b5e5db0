"""Deploys the lakehouse to AWS and operates it there: what the commands under "On AWS" do."""
