/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Where every member of the public structs lies, on machines with 64-bit
 * pointers. A module that was built yesterday believes these numbers: a line
 * here never changes; a new member gets a new line.
 */
#include <fettle/plugin.h>

#define AT(type, member, offset)                                               \
	_Static_assert(offsetof(struct type, member) == (offset), #type "." #member)
#define SIZE(type, size) _Static_assert(sizeof(struct type) == (size), #type)
#define VALUE(name, value) _Static_assert((name) == (value), #name)

#if UINTPTR_MAX == UINT64_MAX
AT(fettle_head, magic, 0);
AT(fettle_head, abi_major, 4);
AT(fettle_head, abi_minor, 6);
AT(fettle_head, size, 8);
AT(fettle_head, kind, 12);
SIZE(fettle_head, 16);

AT(fettle_table, items, 0);
AT(fettle_table, count, 8);
AT(fettle_table, stride, 12);
SIZE(fettle_table, 16);

AT(fettle_param, name, 0);
AT(fettle_param, type, 8);
AT(fettle_param, flags, 12);
AT(fettle_param, preset, 16);
AT(fettle_param, accept, 24);
AT(fettle_param, help, 32);

AT(fettle_step, head, 0);
AT(fettle_step, name, 16);
AT(fettle_step, version, 24);
AT(fettle_step, summary, 32);
AT(fettle_step, stage, 40);
AT(fettle_step, flags, 44);
AT(fettle_step, effects, 48);
AT(fettle_step, undoes, 56);
AT(fettle_step, params, 64);
AT(fettle_step, outputs, 80);
AT(fettle_step, check, 96);
AT(fettle_step, propose, 104);
AT(fettle_step, run, 112);
AT(fettle_step, observe, 120);

AT(fettle_policy, head, 0);
AT(fettle_policy, name, 16);
AT(fettle_policy, version, 24);
AT(fettle_policy, summary, 32);
AT(fettle_policy, stages, 40);
AT(fettle_policy, flags, 44);
AT(fettle_policy, params, 48);
AT(fettle_policy, judge, 64);

AT(fettle_proposed_edit, path, 0);
AT(fettle_proposed_edit, pre_sha256, 8);
AT(fettle_proposed_edit, post_sha256, 16);
AT(fettle_proposed_effect, kind, 0);
AT(fettle_proposed_effect, target, 8);
AT(fettle_proposed_effect, before, 16);
AT(fettle_proposed_effect, step, 24);

AT(fettle_exec, size, 0);
AT(fettle_exec, flags, 4);
AT(fettle_exec, argv, 8);
AT(fettle_exec, env, 16);
AT(fettle_exec, directory, 24);
AT(fettle_exec, timeout_ms, 32);

AT(fettle_exited, size, 0);
AT(fettle_exited, status, 4);
AT(fettle_exited, signal, 8);
AT(fettle_exited, timed_out, 12);
AT(fettle_exited, out, 16);
AT(fettle_exited, err, 24);
AT(fettle_exited, out_len, 32);
AT(fettle_exited, err_len, 40);

AT(fettle_need, size, 0);
AT(fettle_need, quorum, 4);
AT(fettle_need, roles, 8);
AT(fettle_need, valid_ms, 16);
#endif

VALUE(FETTLE_MAGIC, 0x464C5454u);
VALUE(FETTLE_KIND_STEP, 1);
VALUE(FETTLE_KIND_POLICY, 2);
VALUE(FETTLE_PROJECT, 1);
VALUE(FETTLE_CONTROL, 256);
VALUE(FETTLE_NETWORK, 1);
VALUE(FETTLE_GIT_WRITE, 16);
VALUE(FETTLE_BOOL, 1);
VALUE(FETTLE_SECRET, 12);
VALUE(FETTLE_OK, 1);
VALUE(FETTLE_ERROR, 4);
VALUE(FETTLE_ABSTAIN, 17);
VALUE(FETTLE_DENY, 20);
VALUE(FETTLE_WHY_INPUT, 1);
VALUE(FETTLE_WHY_BUG, 4);
VALUE(FETTLE_BEFORE, 1);
VALUE(FETTLE_OTHER, 4);
VALUE(FETTLE_CAPTURE, 1);
VALUE(FETTLE_TAIL, 8);
VALUE(FETTLE_LONG_TAIL, 16);
