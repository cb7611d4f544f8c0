/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What a fuzz target is: the function that libFuzzer calls too, texts to
 * start from, words that mean something in its language. driver.c mutates
 * them for a bounded number of rounds, the same ones every time, as a part of
 * `make check`. For hours of it, with coverage, from the top folder:
 *
 *	clang -g -fsanitize=fuzzer,address,undefined -D_GNU_SOURCE \
 *		-I. -Icore -Iinclude t/fuzz/node-fuzz.c core/model/[a-z]*.c \
 *		core/base/[a-z]*.c -lyaml -ljansson -lcrypto -o node-fuzz
 *	./node-fuzz CORPUS
 */
#ifndef FETTLE_FUZZ_FUZZ_H
#define FETTLE_FUZZ_FUZZ_H

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n);

/* Each ends in NULL. */
extern const char *const fuzz_seeds[];
extern const char *const fuzz_words[];

/* What must be true whatever the input. Never compiled out. */
#define FUZZ_CHECK(claim)                                                      \
	do {                                                                   \
		if (!(claim)) {                                                \
			fprintf(stderr, "%s:%d: not true: %s\n", __FILE__,     \
				__LINE__, #claim);                             \
			abort();                                               \
		}                                                              \
	} while (0)

#endif
