/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "screen.h"

#include <errno.h>
#include <ncurses.h>
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

#include "out.h"
#include "rates.h"

struct screen {
	struct netsim_traffic *before, *now;
	struct rates rates;
	struct rate_list list;
	struct rate_matrix matrix;
	bool as_matrix, by_class;
	enum rate_order order;
	size_t top, left; /* first row and column shown */
};

static volatile sig_atomic_t ended;

static void on_signal(int number)
{
	ended = number;
}

static size_t row_count(const struct screen *s)
{
	return s->as_matrix ? s->matrix.row_count : s->rates.count;
}

/* Number of lines between the head and the keys. */
static size_t page(void)
{
	return LINES > 3 ? (size_t)LINES - 3 : 1;
}

static void keep_inside(struct screen *s)
{
	size_t rows = row_count(s), last = rows > page() ? rows - page() : 0;

	if (s->top > last)
		s->top = last;
	if (s->left + 1 > s->matrix.column_count)
		s->left = s->matrix.column_count ? s->matrix.column_count - 1 : 0;
}

/* Computes the rows or the matrix from the readings. */
static int arrange(struct screen *s)
{
	int r;

	rates_matrix_free(&s->matrix);
	rates_free(&s->rates);
	r = rates_make(s->before, s->now, s->by_class, &s->rates);
	if (r == 0 && s->as_matrix)
		r = rates_matrix(&s->rates, s->by_class, s->order, &s->matrix);
	else if (r == 0)
		rates_sort(&s->rates, s->order);
	if (r == 0)
		rates_list(&s->rates, s->by_class, COLS, &s->list);
	return r;
}

static const char *what_is_shown(const struct screen *s)
{
	if (s->as_matrix && s->order == BY_NAME)
		return rate_order_names[BY_BITS];
	return rate_order_names[s->order];
}

static void draw_line(int y, attr_t attributes, const char *line)
{
	attrset(attributes);
	mvaddnstr(y, 0, line, COLS);
	clrtoeol();
	attrset(A_NORMAL);
}

static void draw_row(const struct screen *s, int y, size_t row)
{
	char line[RATE_LINE];

	if (s->as_matrix)
		rates_matrix_row(&s->matrix, row, s->left, COLS, line);
	else
		rates_list_row(&s->list, &s->rates.rows[row], line);
	draw_line(y, A_NORMAL, line);
}

static void draw(struct screen *s)
{
	char line[RATE_LINE];
	size_t rows = row_count(s);

	keep_inside(s);
	erase();
	rates_summary(s->now->fleet, &s->rates, line);
	draw_line(0, A_BOLD, line);
	if (s->as_matrix)
		rates_matrix_head(&s->matrix, s->left, COLS, line);
	else
		rates_list_head(&s->list, line);
	draw_line(1, A_UNDERLINE, line);
	for (size_t i = 0; i < page() && s->top + i < rows; i++)
		draw_row(s, 2 + (int)i, s->top + i);
	if (!rows)
		draw_line(2, A_NORMAL, "no traffic yet");
	snprintf(line, sizeof(line), "q quit  m %s  c %s  s %s %s  arrows, PgUp, PgDn scroll",
		 s->as_matrix ? "list" : "matrix", s->by_class ? "all classes" : "by class",
		 s->as_matrix ? "showing" : "sorted by", what_is_shown(s));
	draw_line(LINES - 1, A_REVERSE, line);
	refresh();
}

static void scroll_by(size_t *place, int step)
{
	if (step < 0 && *place < (size_t)-step)
		*place = 0;
	else
		*place += (size_t)step;
}

/* A matrix cannot be ordered by name. */
static enum rate_order next_order(const struct screen *s)
{
	int count = s->as_matrix ? BY_NAME : RATE_ORDERS;

	return (enum rate_order)((s->order + 1) % count);
}

/* Handles a key; returns true if the rows have to be arranged again. */
static bool handle_key(struct screen *s, int key)
{
	switch (key) {
	case 'm':
		s->as_matrix = !s->as_matrix;
		s->top = s->left = 0;
		return true;
	case 'c':
		s->by_class = !s->by_class;
		s->top = 0;
		return true;
	case 's':
		s->order = next_order(s);
		return true;
	case KEY_UP:
		scroll_by(&s->top, -1);
		break;
	case KEY_DOWN:
		scroll_by(&s->top, 1);
		break;
	case KEY_PPAGE:
		scroll_by(&s->top, -(int)page());
		break;
	case KEY_NPAGE:
		scroll_by(&s->top, (int)page());
		break;
	case KEY_HOME:
		s->top = 0;
		break;
	case KEY_END:
		s->top = row_count(s);
		break;
	case KEY_LEFT:
		scroll_by(&s->left, -1);
		break;
	case KEY_RIGHT:
		scroll_by(&s->left, 1);
		break;
	case KEY_RESIZE:
		return true;
	}
	return false;
}

static int read_again(struct screen *s, struct netsim *ctx, const char *fleet,
		      struct netsim_err *err)
{
	const struct netsim_traffic_opts request =
		NETSIM_OPTS(struct netsim_traffic_opts, .fleet = fleet);
	struct netsim_traffic *traffic = NULL;
	int r = netsim_traffic(ctx, &request, &traffic, err);

	if (r < 0)
		return r;
	netsim_traffic_free(s->before);
	s->before = s->now;
	s->now = traffic;
	return 0;
}

/* Handles keys until the next reading is due; returns 1 to quit. */
static int wait_for_keys(struct screen *s, double deadline)
{
	int r = 0;

	while (r == 0 && !ended) {
		double left = deadline - now_seconds();
		int key;

		if (left <= 0)
			return 0;
		timeout(left < 3600 ? (int)(left * 1000) + 1 : 3600000);
		key = getch();
		if (key == 'q' || key == 'Q')
			return 1;
		if (key == ERR)
			continue;
		if (handle_key(s, key))
			r = arrange(s);
		if (r == 0)
			draw(s);
	}
	return r < 0 ? r : 1;
}

static int loop(struct screen *s, struct netsim *ctx, const char *fleet, double interval,
		struct netsim_err *err)
{
	int r = 0;

	while (r == 0 && !ended) {
		double begin = now_seconds();

		r = read_again(s, ctx, fleet, err);
		if (r == 0)
			r = arrange(s);
		if (r == 0) {
			draw(s);
			/* Take the second reading early, so that rates appear soon. */
			r = wait_for_keys(s,
					  begin + (s->before || interval < 0.3 ? interval : 0.3));
		}
	}
	return r < 0 ? r : 0;
}

/* Lets signals end the loop, so that the terminal is restored. */
static void catch_signals(struct sigaction before[3], bool catch)
{
	static const int numbers[3] = {SIGINT, SIGTERM, SIGHUP};
	struct sigaction action = {.sa_handler = on_signal};

	for (int i = 0; i < 3; i++)
		sigaction(numbers[i], catch ? &action : &before[i], catch ? &before[i] : NULL);
}

int screen_run(struct netsim *ctx, const char *fleet, int64_t interval_ns, struct netsim_err *err)
{
	struct sigaction before[3];
	struct screen s = {0};
	SCREEN *terminal;
	int r;

	/* Before curses starts: otherwise its handlers end the process. */
	catch_signals(before, true);
	terminal = newterm(NULL, stdout, stdin);
	if (!terminal) {
		catch_signals(before, false);
		return -ENOTTY;
	}
	cbreak();
	noecho();
	curs_set(0);
	keypad(stdscr, true);
	r = loop(&s, ctx, fleet, (double)interval_ns / 1e9, err);
	endwin();
	delscreen(terminal);
	catch_signals(before, false);
	rates_matrix_free(&s.matrix);
	rates_free(&s.rates);
	netsim_traffic_free(s.before);
	netsim_traffic_free(s.now);
	return r;
}
