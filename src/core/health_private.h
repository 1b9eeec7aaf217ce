/*
 * What the findings of a modem's health share. Each tells whether it applies, and what was seen.
 */
#ifndef CORE_HEALTH_PRIVATE_H
#define CORE_HEALTH_PRIVATE_H

#include "core/health.h"

#define HEALTH_EVIDENCE_MAX sizeof(((struct health_verdict *)NULL)->evidence)

/* Words that fit, or are cut: evidence is for people. True. */
#define SAY(evidence, ...) ((void)text_format(evidence, HEALTH_EVIDENCE_MAX, __VA_ARGS__), true)

bool health_handler_on_deleted_tty(const struct health_picture *picture, char *evidence);
bool health_handler_orphaned(const struct health_picture *picture, char *evidence);
bool health_port_hung_up(const struct health_picture *picture, char *evidence);
bool health_write_failed(const struct health_picture *picture, char *evidence);
bool health_smsd_dead(const struct health_picture *picture, char *evidence);
bool health_handler_fails(const struct health_picture *picture, char *evidence);
bool health_trouble(const struct health_picture *picture, char *evidence);
bool health_handler_dead(const struct health_picture *picture, char *evidence);
bool health_stuck(const struct health_picture *picture, char *evidence);
bool health_unverified(const struct health_picture *picture, char *evidence);

#endif
