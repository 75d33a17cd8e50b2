"""The store of evidence: per-sample results in immutable columnar files, written once.

A store belongs to one key: everything that changes a result (weights, processor, data and image
bytes, prompt, dtype, engine source). Work is cut into blocks of images. A worker takes a block by a
non-blocking file lock, measures what the block still lacks, and publishes it as one parquet file under
its content hash, by atomic rename: a *shard*. Shards are never changed; what a block holds is the union
of its shards. Bytes that are not what their name says are quarantined, named, and measured again.
Every shard leaves an empty file of its name in ``published/``, so that one which is gone is named, too.
"""
