"""The one request path: every call to Roblox goes through `Session.send`."""
