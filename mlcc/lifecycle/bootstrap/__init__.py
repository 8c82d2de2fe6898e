"""What an account needs before the first deployment.  Law: CloudFormation changes the account; mlcc asks it to."""
