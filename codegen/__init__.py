"""Generates the package amqpconn_spec from the specification files in spec/.

    python -m codegen generate      write generated/
    python -m codegen check         fail when generated/ is not what would be written
    python -m codegen diff OLD NEW  tell what a new version of a specification breaks (compat/)

What a specification goes through, stage by stage, each in a module of its own:

    loader     files -> nodes that know their place; syntax and schema
    overlay    the changes of an overlay -> the changed nodes
    build      nodes -> the facts as model.py names them; numbers, names, duplicates
    resolve    facts -> types, directions, replies, Python names
    layout     fields -> operations on bytes: fused runs, octets of bits, strings, tables
    writing, reading, views    operations -> all that the templates need, decided and named
    render     templates/ -> source text
    formatting source text -> as black would have it; pieces, blackening and memory save time
    output     source text -> files, once they proved to be importable; or a diff

repeats.py spares a run that would change nothing. pipeline.py puts the stages together. All of them
report to one collector (diagnostics.py), so a run tells everything that is wrong with a
specification, and then changes nothing.
"""
