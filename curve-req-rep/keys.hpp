// The files that server.cpp and client.cpp keep their CURVE keys in, one line each. PATH.secret
// stays on its machine, readable by its owner alone. Copy PATH.public to the other side.
#pragma once

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>

#include "common.hpp"

struct KeyPair {
    std::string public_key, secret_key;  // in Z85, as zmq_setsockopt takes them
};

/// Reads a key.
inline std::string read_key(const std::string& name) {
    const int file = check(open(name.c_str(), O_RDONLY | O_CLOEXEC), "open " + name);
    char line[43];  // one byte more than a key and \r\n
    const ssize_t size = read(file, line, sizeof line);
    close(file);
    std::string key(line, static_cast<size_t>(check(static_cast<int>(size), "read " + name)));
    while (!key.empty() && (key.back() == '\n' || key.back() == '\r')) key.pop_back();
    std::uint8_t bytes[32];
    if (key.size() != 40 || std::strlen(key.c_str()) != 40 || !zmq_z85_decode(bytes, key.c_str()))
        throw std::runtime_error(name + ": not a CURVE key, which is one line of 40 characters");
    return key;
}

/// Reads a key. Reports an error, and returns nothing.
inline std::optional<std::string> try_read_key(const std::string& name) try {
    return read_key(name);
} catch (const std::runtime_error& error) {
    print_error(error.what());
    return std::nullopt;
}

/// Makes a file, whole or not at all, readable by its owner alone. Never replaces one.
inline void write_key(const std::string& name, const std::string& key) {
    std::string draft = name + ".XXXXXX";
    const int file = check(mkstemp(draft.data()), "mkstemp " + draft);  // mode 0600
    const std::string line = key + "\n";
    const bool written = write(file, line.data(), line.size()) == static_cast<ssize_t>(line.size());
    const bool there = written && (link(draft.c_str(), name.c_str()) == 0 || errno == EEXIST);
    const int error = errno;
    close(file);
    unlink(draft.c_str());
    errno = error;
    if (!there) check(-1, "write " + name);
}

/// Reads the key pair in PATH.secret and PATH.public, or makes it.
inline KeyPair key_pair(const std::string& path) {
    if (zmq_has("curve") != 1)
        throw std::runtime_error("this libzmq has no CURVE\nhint: install one with libsodium");
    const std::string secret = path + ".secret", folder = std::filesystem::path(path).parent_path();
    char public_key[41], secret_key[41];
    if (access(secret.c_str(), F_OK) == -1) {
        if (!folder.empty() && mkdir(folder.c_str(), S_IRWXU) == -1 && errno != EEXIST)
            check(-1, "mkdir " + folder);
        check(zmq_curve_keypair(public_key, secret_key), "zmq_curve_keypair");
        write_key(secret, secret_key);  // two programs that start at once agree on one
    }
    struct stat status = {};
    check(stat(secret.c_str(), &status), "stat " + secret);
    if ((status.st_mode & (S_IRWXG | S_IRWXO)) != 0)
        throw std::runtime_error(secret +
                                 ": others may read this key\nhint: make a new pair, or "
                                 "if you are sure that it is still a secret, chmod 600 " +
                                 secret);
    const std::string key = read_key(secret);
    check(zmq_curve_public(public_key, key.c_str()), "zmq_curve_public");
    if (access((path + ".public").c_str(), F_OK) == -1) write_key(path + ".public", public_key);
    if (read_key(path + ".public") != public_key)
        throw std::runtime_error(path + ".public: does not belong to " + secret +
                                 "\nhint: remove it, and this program makes it again");
    return {public_key, key};
}

inline void set_key(void* socket, int option, const std::string& key) {
    check(zmq_setsockopt(socket, option, key.c_str(), key.size() + 1));  // Z85 ends with a NUL
}
