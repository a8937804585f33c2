"""What an endpoint can be asked for, one file each: the request, the answer, and the decision that is made of it."""
