"""HTTP: router, request, response, authentication, REST client."""
