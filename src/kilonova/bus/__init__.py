"""Messages between services: call, tell, fan out; in process, over ZeroMQ, over RabbitMQ."""
