"""How fast lgsp is beside its peers: one command, one table, ratios.

    make bench          everything, some 7 minutes on two quiet cores; prints the table that docs/performance.md holds
    make bench-quick    the ratios that matter, under 2 minutes

Every group of candidates runs on a private RabbitMQ node of its own (`lgsp.bus.node`), on free loopback ports. The
candidates of a group are all up at the same time and take turns: each round runs every candidate once, each round
begins with another one, and a ratio is the median of the ratios within the rounds. So what the machine does beside it
meets all of them alike; how much that was is printed beside the table.

    figures.py     what a round is, medians, ratios, turns            pure
    report.py      the Markdown table and `latest.json`               pure
    ratios.py      which row is divided by which                      pure
    machine.py     what the kernel says: the machine, CPU time, memory
    process.py     a child process that obeys orders on its standard input
    loop.py        a candidate that asks in a closed loop over the bus
    web.py         a candidate that `wrk` calls over HTTP
    startup.py     a candidate that is started and ended
    configs.py     catalogues for lgsp: 28 services, 2,800 services
    groups.py      which candidates there are
    runner.py      turns, and what is done when a candidate breaks
    peers/         the candidates as programs, one file each

A candidate has one verb, `run(case, seconds) -> Round`. One that is missing or breaks is a row with its reason.
Nothing here is needed by `make test`; `scripts/setup bench` brings it.
"""
