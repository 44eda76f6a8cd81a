// All programs in a table, for the tests of what they share.
#pragma once

#include <climits>
#include <fstream>
#include <functional>

#include "catch.hpp"
#include "peer.hpp"

/// An option for an endpoint. The default is tcp://127.0.0.1:PORT for each port.
struct Endpoint {
    std::string option, type;  // "bind", "REP"
    std::vector<int> ports;
};

/// Another option that takes a value.
struct Setting {
    std::string option, fallback;
    int least = -1, most = INT_MAX;  // the range of a number; -1: not a number
};

struct Program {
    std::string path;
    std::vector<Endpoint> endpoints;  // in the order in which it binds
    std::vector<Setting> settings;
    std::string summary;  // a regular expression, before the first message; "": it has none
    std::string name() const { return path.substr(path.find('/') + 1); }
    /// Whether all its endpoints are bound. Else it connects to all of them.
    bool binds() const { return !endpoints.empty() && endpoints[0].option != "connect"; }
    bool needs_keys() const { return path.rfind("curve", 0) == 0; }
};

inline const std::vector<Program>& programs() {
    const Setting count10{"count", "10", 0}, count100{"count", "100", 0}, endless{"count", "0", 0};
    const Setting interval{"interval", "100", 0}, work{"work", "0", 0}, workers{"workers", "1", 0};
    const Setting patience{"patience", "5000", 0};
    static const std::vector<Program> all = {
        {"req-rep/server", {{"bind", "REP", {5555}}}, {}, "0 requests"},
        {"req-rep/client", {{"connect", "REQ", {5555}}}, {count10}, "0 replies"},
        {"retry-req-rep/client",
         {{"connect", "REQ", {5555}}},
         {count10, {"timeout", "1000", 1}},
         "0 replies"},
        {"curve-req-rep/server",
         {{"bind", "REP", {5566}}},
         {{"key", "keys/server"}, {"allow", "keys/client.public"}},
         "0 requests"},
        {"curve-req-rep/client",
         {{"connect", "REQ", {5566}}},
         {{"key", "keys/client"}, {"server", "keys/server.public"}, count10},
         "0 replies"},
        {"pub-sub/publisher",
         {{"bind", "PUB", {5556}}},
         {{"to", "sub1, sub2"}, endless, interval},
         "[0-9]+ messages?"},  // it publishes at once
        {"pub-sub/subscriber",
         {{"connect", "SUB", {5556}}},
         {{"name", "sub1"}, count10},
         "0 messages"},
        {"push-pull/sender", {{"bind", "PUSH", {5557}}}, {count100, workers}, "0 tasks"},
        {"push-pull/worker",
         {{"connect", "PULL", {5557}}, {"sink", "PUSH", {5558}}},
         {work},
         "0 tasks"},
        {"push-pull/sinker", {{"bind", "PULL", {5558}}}, {count100}, "0 of 100 results"},
        {"push-pull2/sender",
         {{"bind", "PUSH", {5557}}},
         {{"name", "a"}, count100, workers},
         "0 tasks"},
        {"push-pull2/worker",
         {{"connect", "PULL", {5557, 5567}}, {"sink", "PUSH", {5558}}, {"control", "SUB", {5559}}},
         {work},
         "0 tasks"},
        {"push-pull2/sinker",
         {{"bind", "PULL", {5558}}, {"control", "XPUB", {5559}}},
         {{"count", "200", 0}, patience},
         "0 of 200 results"},
        {"ex-req-rep/proxy",
         {{"frontend", "ROUTER", {5559}}, {"backend", "DEALER", {5560}}},
         {},
         "0 requests"},
        {"ex-req-rep/server", {{"connect", "REP", {5560}}}, {{"name", "server"}}, "0 requests"},
        {"ex-req-rep/client", {{"connect", "REQ", {5559}}}, {count10}, "0 replies"},
        {"ex-req-rep2/proxy",
         {{"frontend", "ROUTER", {5559}}, {"backend", "DEALER", {5560}}, {"capture", "PUB", {}}},
         {},
         ""},
        {"interrupt/server", {{"bind", "REP", {5555}}}, {}, ""},
        {"mt-req-rep/server",
         {{"bind", "ROUTER", {5555}}},
         {{"workers", "4", 1, 400}, work},
         "0 requests"},
        {"mt-req-rep/client",
         {{"connect", "REQ", {5555}}},
         {{"clients", "4", 1, 400}, count10},
         "0 replies"},
        {"mt-ready/steps", {}, {{"steps", "3", 1, 400}}, "3 steps in order"},
        {"sync-pub-sub/publisher",
         {{"bind", "XPUB", {5561}}, {"sync", "REP", {5562}}},
         {{"subscribers", "2", 0}, count10},
         "0 messages"},
        {"sync-pub-sub/subscriber",
         {{"connect", "SUB", {5561}}, {"sync", "REQ", {5562}}},
         {patience},
         "0 updates"},
        {"pub-sub-envelope/publisher",
         {{"bind", "PUB", {5563}}},
         {{"sender", "none"}, endless, interval},
         "[0-9]+ messages?"},  // it publishes at once
        {"pub-sub-envelope/subscriber",
         {{"connect", "SUB", {5563}}},
         {{"key", "B"}, count10},
         "0 messages"},
    };
    return all;
}

/// Whether a program, or a pattern, can run here: libzmq may have been built without CURVE.
inline bool can_run(const std::string& path) {
    return path.rfind("curve", 0) != 0 || zmq_has("curve") == 1;
}

/// Calls `test` for each program that can run here.
inline void each_program(const std::function<void(const Program&)>& test) {
    for (const auto& program : programs())
        if (can_run(program.path)) {
            INFO(program.path);
            test(program);
        }
}

/// Arguments that keep the program's key files in the folder.
inline Lines own_files(const Program& program, const Folder& folder) {
    if (!program.needs_keys()) return {};
    const std::string own = folder.path("own");
    return program.binds() ? Lines{"--key", own} : Lines{"--key", own, "--server", own + ".public"};
}

/// The same, with each endpoint on a free port, or, if it connects, where no peer is. The endpoint
/// of `option` is `value`.
inline Lines own_endpoints(const Program& program, const Folder& folder,
                           const std::string& option = "", const std::string& value = "") {
    Lines arguments = own_files(program, folder);
    for (const auto& endpoint : program.endpoints) {
        arguments.push_back("--" + endpoint.option);
        arguments.push_back(endpoint.option == option ? value
                            : program.binds()         ? any_port
                                                      : folder.endpoint("no-peer"));
    }
    return arguments;
}
