/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Two readings of a fleet's traffic -> rates, in an order, as lines. Nothing here prints. */
#ifndef NETSIM_CLI_RATES_H
#define NETSIM_CLI_RATES_H

#include <netsim/netsim.h>

/* A pair of nodes, of one class or of all. The texts are those of the later reading. */
struct rate_row {
	struct netsim_flow total; /* its class is NULL where all classes are one row */
	uint64_t drops;		  /* of all reasons */
	double packets, bits;	  /* in a second */
	double dropped;
};

struct rates {
	struct rate_row *rows;
	size_t count;
	struct rate_row sum; /* of all of them */
};

enum rate_order { BY_BITS, BY_PACKETS, BY_DROPPED, BY_BYTES, BY_NAME, RATE_ORDERS };
extern const char *const rate_order_names[RATE_ORDERS];

/* -ENOMEM is the only error; without an earlier reading (NULL) all rates are 0. */
int rates_make(const struct netsim_traffic *before, const struct netsim_traffic *now, bool by_class,
	       struct rates *ret);
void rates_sort(struct rates *rates, enum rate_order order);
void rates_free(struct rates *rates);

#define RATE_LINE 1024

/* The columns of a list: as wide as the names, if the line (0: any) has room for them. */
struct rate_list {
	int pair, class; /* class 0: no such column */
};
void rates_list(const struct rates *rates, bool by_class, int width, struct rate_list *ret);
void rates_list_head(const struct rate_list *list, char line[RATE_LINE]);
void rates_list_row(const struct rate_list *list, const struct rate_row *row, char line[RATE_LINE]);

/* The same rows as a matrix: who sends, of which class, against who receives. */
struct rate_matrix {
	const struct rates *rates; /* by name */
	enum rate_order shown;	   /* what the cells show */
	const char **columns;
	size_t column_count;
	size_t *starts; /* of its rows among those of rates */
	size_t row_count;
	int name, class, cell; /* widths */
};
/* Sorts the rates by name; they must outlive the result, which is the caller's. */
int rates_matrix(struct rates *rates, bool by_class, enum rate_order shown,
		 struct rate_matrix *ret);
void rates_matrix_free(struct rate_matrix *matrix);
/* From the first-th column on, as many as the width takes. */
void rates_matrix_head(const struct rate_matrix *matrix, size_t first, int width,
		       char line[RATE_LINE]);
void rates_matrix_row(const struct rate_matrix *matrix, size_t row, size_t first, int width,
		      char line[RATE_LINE]);

/* "simple: 1.21k packets/s, 9.60 mbit/s, 3 dropped/s" */
void rates_summary(const char *fleet, const struct rates *rates, char line[RATE_LINE]);

#endif
