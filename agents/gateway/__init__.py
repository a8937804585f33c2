"""The coordinator's gateway: what agents outside the jobs say and hear, over HTTP."""
