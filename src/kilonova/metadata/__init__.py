"""169.254.169.254 for guests: the OpenStack tree and the EC2 tree."""
