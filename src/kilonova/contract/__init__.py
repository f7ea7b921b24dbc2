"""What services of floor 4 say to one another: a Protocol and its messages per service. They meet nowhere else."""
