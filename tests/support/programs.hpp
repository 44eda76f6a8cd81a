// All programs, in a table, for tests of what each of them does.
#pragma once

#include <zmq.h>

#include <algorithm>
#include <fstream>
#include <set>
#include <string>
#include <vector>

#include "catch.hpp"
#include "process.hpp"

using Lines = std::vector<std::string>;

struct Endpoint {
    std::string option, socket, fallback;  // "bind", "REP binds", "tcp://127.0.0.1:5555"
    bool binds() const { return socket.find(" binds") != std::string::npos; }
};

struct Program {
    std::string path;
    std::vector<Endpoint> endpoints;  // in the order in which it binds
    Lines others;                     // its other options that take a value
    bool finite;                      // ends by itself by default
    std::string summary;              // at 0 messages, or a part of it; "" where it has none
    std::string name() const { return path.substr(path.find('/') + 1); }
    std::string interrupted() const {
        return finite ? name() + ": interrupted, not finished\n" : "interrupted\n";
    }
};

inline std::string at(int port) {
    return "tcp://127.0.0.1:" + std::to_string(port);
}

inline const std::vector<Program>& table() {
    static const std::vector<Program> all = {
        {"req-rep/server", {{"bind", "REP binds", at(5555)}}, {"count"}, false, "0 requests"},
        {"req-rep/client",
         {{"connect", "REQ connects", at(5555)}},
         {"count", "timeout"},
         true,
         "0 replies"},
        {"req-rep/secure-server",
         {{"bind", "REP binds", at(5566)}},
         {"key", "allow", "count"},
         false,
         "0 requests"},
        {"req-rep/secure-client",
         {{"connect", "REQ connects", at(5566)}},
         {"key", "server", "count"},
         true,
         "0 replies"},
        {"pub-sub/publisher",
         {{"bind", "PUB binds", at(5556)}},
         {"to", "count", "interval"},
         false,
         " message"},  // it has begun: one or more
        {"pub-sub/subscriber",
         {{"connect", "SUB connects", at(5556)}},
         {"name", "count"},
         true,
         "0 messages"},
        {"push-pull/sender",
         {{"bind", "PUSH binds", at(5557)}, {"sink", "PUSH connects", at(5558)}},
         {"count", "workers"},
         true,
         "0 tasks"},
        {"push-pull/worker",
         {{"connect", "PULL connects", at(5557)}, {"sink", "PUSH connects", at(5558)}},
         {"work"},
         false,
         "0 tasks"},
        {"push-pull/sinker",
         {{"bind", "PULL binds", at(5558)}},
         {},
         true,
         "0 of 0 results, 0 missing, 0 twice"},
        {"push-pull2/sender",
         {{"bind", "PUSH binds", at(5557)}, {"sink", "PUSH connects", at(5558)}},
         {"count", "workers", "name"},
         true,
         "0 tasks"},
        {"push-pull2/worker",
         {{"control", "SUB connects", at(5559)},
          {"sink", "PUSH connects", at(5558)},
          {"connect", "PULL connects", at(5557) + ", " + at(5567)}},
         {"work"},
         true,
         "0 tasks"},
        {"push-pull2/sinker",
         {{"bind", "PULL binds", at(5558)}, {"control", "XPUB binds", at(5559)}},
         {"senders"},
         true,
         "0 results"},
        {"ex-req-rep/proxy",
         {{"frontend", "ROUTER binds", at(5559)}, {"backend", "DEALER binds", at(5560)}},
         {},
         false,
         "0 requests"},
        {"ex-req-rep/server",
         {{"connect", "REP connects", at(5560)}},
         {"name", "count"},
         false,
         "0 requests"},
        {"ex-req-rep/client",
         {{"connect", "REQ connects", at(5559)}},
         {"count"},
         true,
         "0 replies"},
        {"ex-req-rep2/proxy",
         {{"frontend", "ROUTER binds", at(5559)},
          {"backend", "DEALER binds", at(5560)},
          {"capture", "PUB binds", "none"}},
         {},
         false,
         ""},
        {"interrupt/server", {{"bind", "REP binds", at(5555)}}, {}, false, "0 requests"},
        {"mt-req-rep/server",
         {{"bind", "ROUTER binds", at(5555)}},
         {"workers", "work"},
         false,
         "0 requests"},
        {"mt-req-rep/client",
         {{"connect", "REQ connects", at(5555)}},
         {"clients", "count"},
         true,
         "0 replies"},
        {"mt-ready/steps", {}, {"steps"}, true, "steps in order"},
        {"sync-pub-sub/publisher",
         {{"bind", "XPUB binds", at(5561)}, {"sync", "REP binds", at(5562)}},
         {"subscribers", "count"},
         true,
         "0 messages"},
        {"sync-pub-sub/subscriber",
         {{"connect", "SUB connects", at(5561)}, {"sync", "REQ connects", at(5562)}},
         {},
         true,
         "0 updates"},
        {"pub-sub-envelope/publisher",
         {{"bind", "PUB binds", at(5563)}},
         {"sender", "count", "interval"},
         false,
         " message"},  // it has begun: one or more
        {"pub-sub-envelope/subscriber",
         {{"connect", "SUB connects", at(5563)}},
         {"key", "count"},
         true,
         "0 messages"},
    };
    return all;
}

inline bool has_keys(const Program& program) {
    return program.path.find("/secure-") != std::string::npos;
}

/// Those that can run: where libzmq was built without CURVE, tests/req-rep.cpp tests what the
/// others say about it.
inline const std::vector<Program>& programs() {
    static const std::vector<Program> runnable = [] {
        std::vector<Program> list;
        for (const auto& program : table())
            if (!has_keys(program) || zmq_has("curve") == 1) list.push_back(program);
        return list;
    }();
    return runnable;
}

inline bool is_number(const std::string& option) {
    static const std::set<std::string> numbers = {"count",   "timeout", "interval",
                                                  "workers", "work",    "senders",
                                                  "clients", "steps",   "subscribers"};
    return numbers.count(option) > 0;
}

inline bool binds(const Program& program) {
    return std::any_of(program.endpoints.begin(), program.endpoints.end(),
                       [](const Endpoint& e) { return e.binds(); });
}

/// What keeps a program's files in the folder.
inline Lines own_files(const Program& program, const Folder& folder) {
    if (!has_keys(program)) return {};
    Lines arguments = {"--key", folder.path("own")};
    if (!binds(program)) {
        char public_key[41], secret_key[41];
        REQUIRE(zmq_curve_keypair(public_key, secret_key) == 0);
        std::ofstream(folder.path("server.public")) << public_key << "\n";
        arguments.insert(arguments.end(), {"--server", folder.path("server.public")});
    }
    return arguments;
}

/// The same, and each endpoint on a free port, or in the folder where it connects.
inline Lines own_endpoints(const Program& program, const Folder& folder) {
    Lines arguments = own_files(program, folder);
    for (const auto& endpoint : program.endpoints) {
        arguments.push_back("--" + endpoint.option);
        arguments.push_back(endpoint.binds() ? any_port : folder.endpoint("nobody"));
    }
    return arguments;
}
