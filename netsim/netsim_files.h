/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Files by name, and quantities: libnetsim-files(3). <netsim/netsim.h> includes it. */
#ifndef NETSIM_NETSIM_FILES_H
#define NETSIM_NETSIM_FILES_H

#include <netsim/netsim.h>

#ifdef __cplusplus
extern "C" {
#endif

enum netsim_file {
	NETSIM_FILE_TOPOLOGY,
	NETSIM_FILE_PROFILE,
	NETSIM_FILE_SCENARIO,
	NETSIM_FILE_RECIPE,
	NETSIM_FILE_CLASS, /* an entry of profiles/classes.yaml; netsim_list() only */
};

/*
 * Finds a file by path, or by name in ./topo (./profiles, ./scenarios, ./scenarios/recipes), then
 * in the folder of that name in /etc/netsim, then in that of the installed files. buf receives its
 * path; -ENAMETOOLONG if size is too small.
 */
NETSIM_API int netsim_find(enum netsim_file kind, const char *name, char *buf, size_t size,
			   struct netsim_err *err);

struct netsim_named {
	enum netsim_file kind;
	const char *name;
	const char *path;
	/* The first sentence of the file's comment, or ""; of a class what it matches, as YAML. */
	const char *summary;
};

struct netsim_list {
	struct netsim_named **files; /* by name */
	size_t file_count;
};

/*
 * Lists what netsim_find() would find by name, or the classes of the first class file. No file at
 * all is an empty list. A class file with mistakes gives -EINVAL with diags; other failures fill
 * err. Free with netsim_list_free().
 */
NETSIM_API int netsim_list(enum netsim_file kind, struct netsim_list **ret,
			   struct netsim_diags *diags, struct netsim_err *err);
NETSIM_API void netsim_list_free(struct netsim_list *list);

/*
 * Checks a topology, profile, class file, scenario, recipe, trace or matrix. Mistakes and warnings
 * go to diags; -EINVAL if there are mistakes. If print is not NULL, writes a correct file to it as
 * YAML.
 */
NETSIM_API int netsim_check(const char *path, FILE *print, struct netsim_diags *diags);

/*
 * The same, but writes a correct file to print, which is not NULL, as a JSON object with the keys
 * and values of that YAML; a trace has rows and end. *ret_kind, unless ret_kind is NULL, is
 * "topology", "profile", "classes", "scenario", "recipe", "trace" or "matrix", also of a file with
 * mistakes; NULL if the kind is unknown.
 */
NETSIM_API int netsim_check_json(const char *path, FILE *print, const char **ret_kind,
				 struct netsim_diags *diags);

/* Returns the name most similar to a mistyped one, or NULL if none is similar enough. */
NETSIM_API const char *netsim_nearest(const char *text, const char *const *names, size_t count);

/* "30s", "250ms": nanoseconds. On -EINVAL or -ERANGE *why describes the correct form. */
NETSIM_API int netsim_parse_duration(const char *text, int64_t *ret_ns, const char **why);
/* The same for bytes: "64KiB", "100MB". */
NETSIM_API int netsim_parse_size(const char *text, uint64_t *ret_bytes, const char **why);
/* The same for bits per second: "10mbit", "1.5gbit". */
NETSIM_API int netsim_parse_rate(const char *text, uint64_t *ret_bps, const char **why);

#ifdef __cplusplus
}
#endif

#endif
