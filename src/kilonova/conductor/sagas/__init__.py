"""One module per verb on a noun: server_create, server_delete, server_resize and so on."""
