/*
 * The reference for the daemon's memory: a program that is linked with the daemon's libraries, needed or not,
 * and does nothing.
 */
#include <unistd.h>

int main(void)
{
        return pause();
}
