// The files that secure-server.cpp and secure-client.cpp keep their CURVE keys in, one line each.
// PATH.secret is for its owner's eyes: it is never printed, and does not leave the machine that it
// was made on. PATH.public is for the other side, and may be copied.
#pragma once

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <filesystem>
#include <stdexcept>

#include "common.hpp"

struct KeyPair {
    std::string public_key, secret_key;  // in Z85, as zmq_setsockopt takes them
};
inline constexpr size_t z85_size = 40;  // a key's 32 bytes

/// A file descriptor that is closed when it goes.
struct File {
    const int fd;
    ~File() { close(fd); }
};

/// The key in a file. A secret one must be its owner's alone.
inline std::string read_key(const std::string& name, bool secret) {
    const File file{check(open(name.c_str(), O_RDONLY | O_CLOEXEC), "open", name)};
    struct stat status = {};
    check(fstat(file.fd, &status), "fstat", name);
    if (secret && (status.st_mode & (S_IRWXG | S_IRWXO)) != 0)
        throw std::runtime_error(name + ": others may read this secret key\n" +
                                 "make a new pair, or, if nobody has read it: chmod 600 " + name);
    char line[z85_size + 3];  // room to see that a file has more than a key and an end of line
    const auto size = check(static_cast<int>(read(file.fd, line, sizeof line)), "read", name);
    std::string key(line, static_cast<size_t>(size));
    while (!key.empty() && (key.back() == '\n' || key.back() == '\r')) key.pop_back();
    std::uint8_t bytes[32];
    if (key.size() != z85_size || key.find('\0') != std::string::npos ||
        zmq_z85_decode(bytes, key.c_str()) == nullptr)
        throw std::runtime_error(name + ": not a CURVE key, which is one line of 40 characters");
    return key;
}

/// Makes the file, whole or not at all, readable by its owner alone. One that is there is replaced,
/// or with `keep` left as it is.
inline void write_key(const std::string& name, const std::string& key, bool keep) {
    std::string other = name + ".XXXXXX";
    const File file{check(mkstemp(other.data()), "mkstemp", other)};  // O_EXCL, mode 0600
    const std::string line = key + "\n";
    const bool written = write(file.fd, line.data(), line.size()) == ssize_t(line.size()) &&
                         (keep ? link(other.c_str(), name.c_str()) == 0 || errno == EEXIST
                               : rename(other.c_str(), name.c_str()) == 0);
    const int error = errno;
    if (keep || !written) unlink(other.c_str());
    errno = error;
    if (!written) check(-1, "write", name);
}

/// The key pair of PATH.secret and PATH.public, made if it is not there.
inline KeyPair key_pair(const std::string& path) {
    if (zmq_has("curve") != 1)
        throw std::runtime_error(
            "this libzmq was built without CURVE\n"
            "install one that was built with libsodium: see zmq_curve(7)");
    const std::string secret = path + ".secret";
    char public_key[z85_size + 1], secret_key[z85_size + 1];
    if (access(secret.c_str(), F_OK) == -1 && errno == ENOENT) {
        const std::string folder = std::filesystem::path(path).parent_path();
        if (!folder.empty() && mkdir(folder.c_str(), S_IRWXU) == -1 && errno != EEXIST)
            check(-1, "mkdir", folder);
        check(zmq_curve_keypair(public_key, secret_key), "zmq_curve_keypair");
        write_key(secret, secret_key, true);  // two programs that start at once agree on one
    }
    KeyPair pair;
    pair.secret_key = read_key(secret, true);
    check(zmq_curve_public(public_key, pair.secret_key.data()), "zmq_curve_public");
    pair.public_key = public_key;
    // It follows from the secret one, and is made again where it does not belong to that.
    const std::string file = path + ".public";
    if (access(file.c_str(), F_OK) == -1 || read_key(file, false) != pair.public_key)
        write_key(file, pair.public_key, false);
    return pair;
}
