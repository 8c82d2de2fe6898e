"""What was deployed.  Law: records say what happened; they decide nothing."""
