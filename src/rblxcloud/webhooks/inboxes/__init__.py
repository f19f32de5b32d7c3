"""Where webhooks are kept until they are handled."""
