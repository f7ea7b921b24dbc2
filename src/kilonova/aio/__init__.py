"""Small asyncio tools: supervise, retry, deadline, blocking, bell, clock."""
