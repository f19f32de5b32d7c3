"""The command line: `rblxcloud`."""
