"""Settings of editors.  Law: text in, text out; what somebody wrote there stays, or the change is refused."""
