/*
 * Message format: a binary header with "libudev", a magic and two hashes (the monitor's BPF filter looks at
 * them), then NUL-separated properties. The listeners are found anew for every event: monitors come and go.
 */
#include "ec25/uevent.h"

#include "base/text.h"

#include <arpa/inet.h>
#include <dirent.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>

#define WAITING_LIMIT 4096

struct header {
        char prefix[8];
        uint32_t magic, header_size, properties_offset, properties_length;
        uint32_t subsystem_hash, devtype_hash, tag_bloom_high, tag_bloom_low;
};

struct waiting {
        struct waiting *next;
        char listener[sizeof(((struct sockaddr_un *)0)->sun_path)];
        size_t length;
        char message[];
};

struct uevent_sender {
        char root[sizeof(((struct sockaddr_un *)0)->sun_path)];
        int fd;
        uint64_t sequence;
        struct waiting *first;
        size_t count;
};

/* MurmurHash2 (public domain, Austin Appleby) of a string with its length as the seed, as udev's filters want
 * it. */
static uint32_t hash(const char *text)
{
        const uint32_t m = 0x5bd1e995;
        size_t length = strlen(text);
        uint32_t h = (uint32_t)length;

        for (; length >= 4; length -= 4, text += 4) {
                uint32_t k;
                memcpy(&k, text, 4);
                k *= m;
                h = (h * m) ^ ((k ^ k >> 24) * m);
        }
        for (size_t i = length; i > 0; i--)
                h ^= (uint32_t)(uint8_t)text[i - 1] << (8 * (i - 1));
        if (length)
                h *= m;
        h = (h ^ h >> 13) * m;
        return h ^ h >> 15;
}

int uevent_sender_new(const char *root, struct uevent_sender **ret_sender)
{
        struct uevent_sender *sender = calloc(1, sizeof(*sender));

        if (!sender)
                return -ENOMEM;
        sender->fd = -1;
        int r = text_copy(sender->root, sizeof(sender->root) - sizeof("/event1234"), root);
        if (r == 0)
                sender->fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
        if (r == 0 && sender->fd < 0)
                r = -errno;
        if (r < 0) {
                uevent_sender_free(sender);
                return r;
        }
        *ret_sender = sender;
        return 0;
}

struct uevent_sender *uevent_sender_free(struct uevent_sender *sender)
{
        if (!sender)
                return NULL;
        close_fd(sender->fd);
        for (struct waiting *next; sender->first; sender->first = next) {
                next = sender->first->next;
                free(sender->first);
        }
        free(sender);
        return NULL;
}

/* False when the listener is full and the message has to wait; a listener that is gone counts as served. */
static bool try_send(const struct uevent_sender *sender, const char *listener, const void *message,
                     size_t length)
{
        struct sockaddr_un address = {.sun_family = AF_UNIX};

        (void)text_copy(address.sun_path, sizeof(address.sun_path),
                        listener); /* fits: uevent_sender_new saw to it */
        if (sendto(sender->fd, message, length, 0, (struct sockaddr *)&address, sizeof(address)) >= 0)
                return true;
        if (errno == EAGAIN || errno == ENOBUFS)
                return false;
        if (errno == ECONNREFUSED)
                (void)unlink(listener); /* its monitor is gone; the preload leaves the file behind */
        return true;
}

static bool waits(const struct uevent_sender *sender, const char *listener)
{
        for (const struct waiting *waiting = sender->first; waiting; waiting = waiting->next)
                if (text_equal(waiting->listener, listener))
                        return true;
        return false;
}

static int wait_for(struct uevent_sender *sender, const char *listener, const void *message, size_t length)
{
        struct waiting **last = &sender->first;
        struct waiting *waiting = sender->count < WAITING_LIMIT ? malloc(sizeof(*waiting) + length) : NULL;

        if (!waiting)
                return -ENOMEM;
        waiting->next = NULL;
        waiting->length = length;
        memcpy(waiting->message, message, length);
        (void)text_copy(waiting->listener, sizeof(waiting->listener), listener);
        while (*last)
                last = &(*last)->next;
        *last = waiting;
        sender->count++;
        return 0;
}

static int send_to_all(struct uevent_sender *sender, const void *message, size_t length)
{
        DIR *directory = opendir(sender->root);
        struct dirent *entry;
        int r = 0;

        if (!directory)
                return -errno;
        while (r == 0 && (entry = readdir(directory))) {
                char listener[sizeof(sender->root)];
                if (!text_starts_with(entry->d_name, "event") ||
                    text_format(listener, sizeof(listener), "%s/%s", sender->root, entry->d_name) < 0)
                        continue;
                if (waits(sender, listener) || !try_send(sender, listener, message, length))
                        r = wait_for(sender, listener, message, length);
        }
        (void)closedir(directory);
        return r;
}

/* Four bits a tag: the filter drops a message that lacks one of them. */
static uint64_t tags_bloom(const char *properties)
{
        const char *tag = strstr(properties, "TAGS=:");
        uint64_t bits = 0;
        char name[64];

        for (tag = tag ? tag + strlen("TAGS=:") : ""; *tag && *tag != '\n'; tag += strcspn(tag, ":\n") + 1) {
                (void)text_copy_n(name, sizeof(name), tag, strcspn(tag, ":\n")); /* tags of ours are short */
                for (unsigned i = 0; i < 4; i++)
                        bits |= UINT64_C(1) << (hash(name) >> 6 * i & 63);
        }
        return bits;
}

ssize_t uevent_message(char *target, size_t size, uint64_t sequence, const char *action, const char *devpath,
                       const char *subsystem, const char *devtype, const char *properties)
{
        uint64_t bloom = tags_bloom(properties);
        struct header header = {
            .prefix = "libudev",
            .magic = htonl(0xfeedcafe),
            .header_size = sizeof(header),
            .properties_offset = sizeof(header),
            .subsystem_hash = htonl(hash(subsystem)),
            .devtype_hash = devtype ? htonl(hash(devtype)) : 0,
            .tag_bloom_high = htonl((uint32_t)(bloom >> 32)),
            .tag_bloom_low = htonl((uint32_t)bloom),
        };
        char *text = target + sizeof(header);

        if (size <= sizeof(header) ||
            text_format(text, size - sizeof(header), "ACTION=%s\nDEVPATH=%s\nSUBSYSTEM=%s\nSEQNUM=%llu\n%s",
                        action, devpath, subsystem, (unsigned long long)sequence, properties) < 0)
                return -EMSGSIZE;
        size_t length = strlen(text);
        for (size_t i = 0; i < length; i++)
                if (text[i] == '\n')
                        text[i] = '\0';
        header.properties_length = (uint32_t)length;
        memcpy(target, &header, sizeof(header));
        return (ssize_t)(sizeof(header) + length);
}

int uevent_send(struct uevent_sender *sender, const char *action, const char *devpath, const char *subsystem,
                const char *devtype, const char *properties)
{
        char message[8192];
        ssize_t length = uevent_message(message, sizeof(message), sender->sequence + 1, action, devpath,
                                        subsystem, devtype, properties);

        if (length < 0)
                return (int)length;
        sender->sequence++;
        return send_to_all(sender, message, (size_t)length);
}

/* True when an earlier message for the same listener still waits: order is kept per listener. */
static bool overtakes(const struct uevent_sender *sender, const struct waiting *one)
{
        for (const struct waiting *waiting = sender->first; waiting != one; waiting = waiting->next)
                if (text_equal(waiting->listener, one->listener))
                        return true;
        return false;
}

bool uevent_retry(struct uevent_sender *sender)
{
        for (struct waiting **link = &sender->first; *link;) {
                struct waiting *waiting = *link;
                if (overtakes(sender, waiting) ||
                    !try_send(sender, waiting->listener, waiting->message, waiting->length)) {
                        link = &waiting->next;
                        continue;
                }
                *link = waiting->next;
                sender->count--;
                free(waiting);
        }
        return sender->first != NULL;
}
