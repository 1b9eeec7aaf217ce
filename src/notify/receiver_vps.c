/*
 * The two forms that the server of the old scripts takes, kept to the letter so that it needs no change:
 * POST /api/send and POST /webhook/sms/status. Both name the gateway by its address inside the VPN.
 *
 * The message is Markdown there. Alert texts hold what modems and log files said, so the text is put into a
 * fenced block, which ends at backticks only, and those are replaced.
 */
#include "receiver_private.h"

#include "base/text.h"

#include <arpa/inet.h>
#include <errno.h>
#include <ifaddrs.h>
#include <net/if.h>
#include <string.h>

#define SERVICE "smstools"

static void cleanup_addresses(struct ifaddrs **addresses)
{
        if (*addresses)
                freeifaddrs(*addresses);
}

/* The address as text when it is of this family and reaches further than its own link. */
static bool address_text(const struct ifaddrs *entry, int family, char target[INET6_ADDRSTRLEN])
{
        if (!entry->ifa_addr || entry->ifa_addr->sa_family != family || !(entry->ifa_flags & IFF_UP))
                return false;
        if (family == AF_INET) {
                struct sockaddr_in v4;
                memcpy(&v4, entry->ifa_addr, sizeof(v4));
                return inet_ntop(family, &v4.sin_addr, target, INET6_ADDRSTRLEN);
        }
        struct sockaddr_in6 v6;
        memcpy(&v6, entry->ifa_addr, sizeof(v6));
        return !IN6_IS_ADDR_LINKLOCAL(&v6.sin6_addr) &&
               inet_ntop(family, &v6.sin6_addr, target, INET6_ADDRSTRLEN);
}

/* The interface's address, IPv4 first. -EAGAIN: it has none yet. */
static int interface_address(const char *interface, char target[INET6_ADDRSTRLEN],
                             const struct complaint *complaint)
{
        static const int families[] = {AF_INET, AF_INET6};
        _cleanup_(cleanup_addresses) struct ifaddrs *addresses = NULL;

        if (getifaddrs(&addresses) < 0)
                return errno == ENOMEM ? -ENOMEM : -EAGAIN;
        for (size_t i = 0; i < ARRAY_SIZE(families); i++)
                for (struct ifaddrs *entry = addresses; entry; entry = entry->ifa_next)
                        if (text_equal(entry->ifa_name, interface) &&
                            address_text(entry, families[i], target))
                                return 0;
        (void)complain(complaint, "the interface %s has no address yet", interface);
        return -EAGAIN;
}

static const char *interface_name(const struct receiver_config *config)
{
        return config->interface[0] ? config->interface : "wg0";
}

/* The server knows `error`, too; smswarden has no such severity. What is over is an information. */
static const char *vps_severity(const struct alert *alert)
{
        return severity_to_string(alert->state == ALERT_RESOLVED ? SEVERITY_INFO : alert->severity);
}

static void fence(const struct alert_message *message, char *target, size_t size)
{
        char text[TEXT_MAX];

        alert_text(message, text, sizeof(text));
        for (char *p = text; (p = strchr(p, '`'));)
                *p = '\'';
        size_t length = strlen(text);
        while (length > 0 && text[length - 1] == '\n')
                text[--length] = '\0';
        (void)text_format(target, size, "```\n%s\n```", text);
}

int vps_message_format(const struct receiver_config *config, const struct secrets *secrets,
                       const struct alert_message *message, struct request *ret_request, char *problem,
                       size_t size)
{
        struct complaint complaint = {problem, size};
        char address[INET6_ADDRSTRLEN], hostname[sizeof(message->host) + INET6_ADDRSTRLEN + 4];
        char text[TEXT_MAX + 16];

        int r = interface_address(interface_name(config), address, &complaint);
        if (r < 0)
                return r;
        (void)text_format(hostname, sizeof(hostname), "%s [%s]", message->host, address);
        fence(message, text, sizeof(text));
        json_t *body = json_pack("{s:o, s:s, s:s, s:o}", "hostname", json_text(hostname), "service", SERVICE,
                                 "severity", vps_severity(&message->alert), "message", json_text(text));
        return request_post(ret_request, receiver_url(config, secrets), secrets, message, body, &complaint);
}

/* docs/alerts.md lists these words. NULL: the alert says nothing of smsd's own state. */
static const char *status_word(const struct alert *alert)
{
        bool over = alert->state == ALERT_RESOLVED;

        switch (alert->kind) {
        case ALERT_HOLD: /* over when smsd is verified, not when its end has come */
                return over ? "running" : "manually_stopped";
        case ALERT_SMSD_DOWN:
                return over ? "recovered" : alert->told > 0 ? "failed" : "down";
        case ALERT_CRASH_LOOP:
                return over ? "recovered" : "failed";
        case ALERT_TEST:
                return "test";
        case ALERT_MODEM_LOST:
        case ALERT_MODEM_UNUSABLE:
        case ALERT_MODEM_NETWORK:
        case ALERT_MODEM_STUCK:
        case ALERT_MODEM_CHANGED:
        case ALERT_MODEM_TIMEOUTS:
        case ALERT_CONFIG_REFUSED:
        case ALERT_MESSAGE_FAILED:
        case ALERT_MESSAGE_ASIDE:
        case ALERT_INCOMING_UNREAD:
        case ALERT_PROVISION_FAILED:
        case ALERT_MODEM_POWER:
        case ALERT_MODEM_RESET:
        case ALERT_MODEM_STORAGE:
        case ALERT_PORT_HELD:
        case ALERT_RESET_AHEAD:
        case ALERT_RECOVERY_FAILED:
        case ALERT_KIND_MAX:
                break;
        }
        return NULL;
}

int vps_status_format(const struct receiver_config *config, const struct secrets *secrets,
                      const struct alert_message *message, struct request *ret_request, char *problem,
                      size_t size)
{
        struct complaint complaint = {problem, size};
        const struct alert *alert = &message->alert;
        const char *word = status_word(alert);
        char address[INET6_ADDRSTRLEN], at[TIME_MAX], title[TITLE_MAX];

        if (!word)
                return 1;
        int r = interface_address(interface_name(config), address, &complaint);
        if (r < 0)
                return r;
        bool trouble = text_equal(word, "down") || text_equal(word, "failed");
        alert_title(message, title, sizeof(title));
        time_text(at, message->at);
        json_t *body = json_pack("{s:s, s:s, s:s, s:o, s:o, s:s}", "gateway_ip", address, "service", SERVICE,
                                 "status", word, "error", json_text(trouble ? alert->evidence : ""), "info",
                                 json_text(title), "timestamp", at);
        return request_post(ret_request, receiver_url(config, secrets), secrets, message, body, &complaint);
}
