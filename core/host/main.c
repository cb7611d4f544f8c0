/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Program fettle-host. The engine starts it with --nursery; see fettle-host(8). */
#include "base/base.h"

#include <fcntl.h>
#include <unistd.h>

#include "base/log.h"
#include "host/host.h"
#include "wire/request.h"

static int
usage(void)
{
	fputs("usage: fettle-host --replay FILE | --version\n"
	      "fettle itself starts it and hands it requests.\n",
	      stderr);
	return 1;
}

int
main(int argc, char **argv)
{
	log_name("fettle-host");
	if (argc == 3 && str_eq(argv[1], "--replay"))
		return replay(argv[2]);
	if (argc == 2 && str_eq(argv[1], "--version"))
		return puts("fettle-host " FETTLE_VERSION) < 0;
	if (argc == 2 && str_eq(argv[1], "--nursery") &&
	    fcntl(REQUEST_FD, F_GETFD) >= 0)
		return nursery();
	return usage();
}
