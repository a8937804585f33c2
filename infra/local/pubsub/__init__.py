"""Sapphire's own Pub/Sub emulator: the public gRPC API (google.pubsub.v1) for the ordinary clients and Beam.

Started with `python -m infra.local.pubsub`; clients find it by PUBSUB_EMULATOR_HOST=host:port. Counts for
the accounting are served by GET /stats on --stats-port, since the start of the process: for each topic
published and published_bytes; for each subscription received, filtered, restored, delivered, redelivered,
acked, dead_lettered, dropped, discarded, outstanding, backlog and backlog_bytes, with received + restored =
acked + dead_lettered + dropped + discarded + backlog.

Emulated
    Topics and subscriptions (create, get, list, update, delete, detach) with the real status codes and
    limits; publish (10 MB, 1,000 messages, attribute limits); attribute filters; unary and streaming pull
    with flow control; ack deadlines, nacks, redelivery, delivery attempts; ordering keys; dead-letter and
    retry policies; seek to a time and to snapshots; retention by time and by bounds of memory
    (--max-messages and --max-bytes a subscription: the oldest go first, and the log says so); state over
    restarts (--data-dir).

Other than the real service
    An empty unary pull answers after --pull-wait-ms (100 ms), not after up to 90 s: Beam's direct runner
    polls its sources on one thread. An acknowledgement after its deadline is ignored. Delivery attempts,
    snapshots and retained acknowledged messages do not survive a restart.

Not emulated (UNIMPLEMENTED, with a text that says what to do)
    Push, BigQuery, Bigtable and Cloud Storage subscriptions; exactly-once delivery; schemas; message
    transforms; ingestion; IAM; snapshot updates. Idle subscriptions do not expire, and there are no quotas.

The core (broker, topic, subscription, ready, delivery, retained, counts, message, filters, settings) knows no
gRPC and no clock; wire, service, publisher, subscriber, streaming, statistics and server are the shell.
"""
