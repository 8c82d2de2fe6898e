"""AWS.  Law: the only importer of botocore, which is imported with the first connection; one thin class a service."""
