"""What lets users test their programs offline: a pytest plugin (see `rblxcloud.testing.plugin`)."""
