"""Every URL of the Compute API, one row each: method, path, versions, success, policy rule, schemas, handler."""
