"""What a console's token is good for: proxies outside of this cloud ask before they connect."""
