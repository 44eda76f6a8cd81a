// All programs in a table, for the tests of what they share.
#pragma once

#include <climits>
#include <fstream>

#include "catch.hpp"
#include "peer.hpp"

/// An option for an endpoint.
struct Endpoint {
    std::string option, type;  // "bind", "REP"
    bool binds;
    std::string fallback;
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
    std::string summary;  // a regular expression, before the first message comes; "": it has none
    std::string name() const { return path.substr(path.find('/') + 1); }
    bool binds() const { return endpoints.size() > 0 && endpoints[0].binds; }
    bool needs_keys() const { return path.rfind("curve", 0) == 0; }
};

inline const std::vector<Program>& programs() {
    constexpr bool binds = true, connects = false;
    const auto at = [](int port) { return "tcp://127.0.0.1:" + std::to_string(port); };
    const auto count = [](int n) { return Setting{"count", std::to_string(n), 0}; };
    static const std::vector<Program> all = {
        {"req-rep/server", {{"bind", "REP", binds, at(5555)}}, {}, "0 requests"},
        {"req-rep/client", {{"connect", "REQ", connects, at(5555)}}, {count(10)}, "0 replies"},
        {"retry-req-rep/client",
         {{"connect", "REQ", connects, at(5555)}},
         {count(10), {"timeout", "1000", 1}},
         "0 replies"},
        {"curve-req-rep/server",
         {{"bind", "REP", binds, at(5566)}},
         {{"key", "keys/server"}, {"allow", "keys/client.public"}},
         "0 requests"},
        {"curve-req-rep/client",
         {{"connect", "REQ", connects, at(5566)}},
         {{"key", "keys/client"}, {"server", "keys/server.public"}, count(10)},
         "0 replies"},
        {"pub-sub/publisher",
         {{"bind", "PUB", binds, at(5556)}},
         {{"to", "sub1, sub2"}, count(0), {"interval", "100", 0}},
         "[0-9]+ messages?"},  // it publishes at once
        {"pub-sub/subscriber",
         {{"connect", "SUB", connects, at(5556)}},
         {{"name", "sub1"}, count(10)},
         "0 messages"},
        {"push-pull/sender",
         {{"bind", "PUSH", binds, at(5557)}},
         {count(100), {"workers", "1", 0}},
         "0 tasks"},
        {"push-pull/worker",
         {{"connect", "PULL", connects, at(5557)}, {"sink", "PUSH", connects, at(5558)}},
         {{"work", "0", 0}},
         "0 tasks"},
        {"push-pull/sinker", {{"bind", "PULL", binds, at(5558)}}, {count(100)}, "0 of 100 results"},
        {"push-pull2/sender",
         {{"bind", "PUSH", binds, at(5557)}},
         {{"name", "a"}, count(100), {"workers", "1", 0}},
         "0 tasks"},
        {"push-pull2/worker",
         {{"connect", "PULL", connects, at(5557) + ", " + at(5567)},
          {"sink", "PUSH", connects, at(5558)},
          {"control", "SUB", connects, at(5559)}},
         {{"work", "0", 0}},
         "0 tasks"},
        {"push-pull2/sinker",
         {{"bind", "PULL", binds, at(5558)}, {"control", "XPUB", binds, at(5559)}},
         {count(200), {"patience", "5000", 0}},
         "0 of 200 results"},
        {"ex-req-rep/proxy",
         {{"frontend", "ROUTER", binds, at(5559)}, {"backend", "DEALER", binds, at(5560)}},
         {},
         "0 requests"},
        {"ex-req-rep/server",
         {{"connect", "REP", connects, at(5560)}},
         {{"name", "server"}},
         "0 requests"},
        {"ex-req-rep/client", {{"connect", "REQ", connects, at(5559)}}, {count(10)}, "0 replies"},
        {"ex-req-rep2/proxy",
         {{"frontend", "ROUTER", binds, at(5559)},
          {"backend", "DEALER", binds, at(5560)},
          {"capture", "PUB", binds, "none"}},
         {},
         ""},
        {"interrupt/server", {{"bind", "REP", binds, at(5555)}}, {}, ""},
        {"mt-req-rep/server",
         {{"bind", "ROUTER", binds, at(5555)}},
         {{"workers", "4", 1, 400}, {"work", "0", 0}},
         "0 requests"},
        {"mt-req-rep/client",
         {{"connect", "REQ", connects, at(5555)}},
         {{"clients", "4", 1, 400}, count(10)},
         "0 replies"},
        {"mt-ready/steps", {}, {{"steps", "3", 1, 400}}, "3 steps in order"},
        {"sync-pub-sub/publisher",
         {{"bind", "XPUB", binds, at(5561)}, {"sync", "REP", binds, at(5562)}},
         {{"subscribers", "2", 0}, count(10)},
         "0 messages"},
        {"sync-pub-sub/subscriber",
         {{"connect", "SUB", connects, at(5561)}, {"sync", "REQ", connects, at(5562)}},
         {{"patience", "5000", 0}},
         "0 updates"},
        {"pub-sub-envelope/publisher",
         {{"bind", "PUB", binds, at(5563)}},
         {{"sender", "none"}, count(0), {"interval", "100", 0}},
         "[0-9]+ messages?"},  // it publishes at once
        {"pub-sub-envelope/subscriber",
         {{"connect", "SUB", connects, at(5563)}},
         {{"key", "B"}, count(10)},
         "0 messages"},
    };
    return all;
}

/// The arguments that keep the program's key files in the folder.
inline Lines own_files(const Program& program, const Folder& folder) {
    if (!program.needs_keys()) return {};
    Lines arguments = {"--key", folder.path("own")};
    if (!program.binds()) {
        char public_key[41], secret_key[41];
        check(zmq_curve_keypair(public_key, secret_key));
        std::ofstream(folder.path("server.public")) << public_key << "\n";
        arguments.insert(arguments.end(), {"--server", folder.path("server.public")});
    }
    return arguments;
}

/// The same, and those that have each endpoint on a free port, or, if it connects, in the folder.
inline Lines own_endpoints(const Program& program, const Folder& folder) {
    Lines arguments = own_files(program, folder);
    for (const auto& endpoint : program.endpoints) {
        arguments.push_back("--" + endpoint.option);
        arguments.push_back(endpoint.binds ? any_port : folder.endpoint("no-peer"));
    }
    return arguments;
}
