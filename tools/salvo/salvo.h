/* weft salvo: the synthetic salvo generator. Integrates targets, simulates sensors, writes detections and truth. */
#ifndef WEFT_SALVO_H
#define WEFT_SALVO_H

/* The subcommand `weft salvo`; argv[0] is its own name. Returns the exit status: 0 success, 1 failure, 2 wrong use. */
int salvo_main(int argc, char **argv);

#endif
