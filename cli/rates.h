/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Computes rates from two readings of a fleet's traffic; sorts and formats, but does not print. */
#ifndef NETSIM_CLI_RATES_H
#define NETSIM_CLI_RATES_H

#include <netsim/netsim.h>

/* A pair of nodes, of one class or all. Its strings belong to the later reading. */
struct rate_row {
	struct netsim_flow total; /* class NULL: all classes in one row */
	uint64_t drops;		  /* total, for all reasons */
	double packets, bits;	  /* per second */
	double dropped;
};

struct rates {
	struct rate_row *rows;
	size_t count;
	struct rate_row sum; /* of all rows */
};

enum rate_order { BY_BITS, BY_PACKETS, BY_DROPPED, BY_BYTES, BY_NAME, RATE_ORDERS };
extern const char *const rate_order_names[RATE_ORDERS];

/* before may be NULL: all rates are 0. Fails only with -ENOMEM. */
int rates_make(const struct netsim_traffic *before, const struct netsim_traffic *now, bool by_class,
	       struct rates *ret);
void rates_sort(struct rates *rates, enum rate_order order);
void rates_free(struct rates *rates);

#define RATE_LINE 1024

/* Column widths of a list: as wide as the names, within the line's width (0: any). */
struct rate_list {
	int pair, class; /* class 0: no class column */
	bool sizes;	 /* a column for packets that were too large, if there are any */
};
void rates_list(const struct rates *rates, bool by_class, int width, struct rate_list *ret);
void rates_list_head(const struct rate_list *list, char line[RATE_LINE]);
void rates_list_row(const struct rate_list *list, const struct rate_row *row, char line[RATE_LINE]);

/* The rows as a matrix: senders, by class if wanted, against receivers. */
struct rate_matrix {
	const struct rates *rates; /* sorted by name */
	enum rate_order shown;	   /* figure in the cells */
	const char **columns;
	size_t column_count;
	size_t *starts; /* index in rates of the first entry of each row */
	size_t row_count;
	int name, class, cell; /* widths */
};
/* Sorts the rates by name; they must outlive *ret. Free it with rates_matrix_free(). */
int rates_matrix(struct rates *rates, bool by_class, enum rate_order shown,
		 struct rate_matrix *ret);
void rates_matrix_free(struct rate_matrix *matrix);
/* Formats columns from index first on, as many as fit in width. */
void rates_matrix_head(const struct rate_matrix *matrix, size_t first, int width,
		       char line[RATE_LINE]);
void rates_matrix_row(const struct rate_matrix *matrix, size_t row, size_t first, int width,
		      char line[RATE_LINE]);

/* Formats "simple: 1.21k packets/s, 9.60 mbit/s, 3 dropped/s". */
void rates_summary(const char *fleet, const struct rates *rates, char line[RATE_LINE]);

#endif
