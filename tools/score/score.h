/* `weft score`: how good a track file is, judged against the truth it was made from. Independent of the
 * engine: it shares no model, no association and no geodesy with it, so that a mistake in one can't hide in
 * the other. */
#ifndef WEFT_SCORE_H
#define WEFT_SCORE_H

/* The subcommand. argv[0] is the name it was called by ("score"). Returns the exit status: 0, 1 failure, 2
 * wrong use. */
int score_main(int argc, char **argv);

#endif
