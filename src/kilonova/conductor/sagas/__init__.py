"""One module per verb on a noun: server_create, server_delete, server_resize and so on.

`definitions` is what the executor runs, by the name the api stored.
"""
