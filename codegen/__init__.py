"""Generates the package amqpconn_spec from the XML in spec/; see `python -m codegen --help`."""
