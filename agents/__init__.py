"""Who decides: the roster, prompts, endpoint clients, model servers, the bots, the gateway."""
