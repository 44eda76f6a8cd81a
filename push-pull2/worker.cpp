// Does the tasks of several senders and passes each result to one of several sinkers.
//   PULL connects tcp://127.0.0.1:5557 and tcp://127.0.0.1:5567, one to each sender
//   PUSH connects tcp://127.0.0.1:5558, one to each sinker
//   SUB connects tcp://127.0.0.1:5559, one to each sinker's control socket
// Its other halves are sender.cpp, which deals the tasks, and sinker.cpp, which gathers the
// results.
#include <algorithm>
#include <cstdio>

#include "common.hpp"

/// The number at the end of a task, "SENDER NUMBER", or 0.
static int task_number(std::string_view task) {
    const size_t space = task.rfind(' ');
    return space == task.npos ? 0 : number(task.substr(space + 1)).value_or(0);
}

/// No high-water marks: sending to a sinker never waits, so that a stop signal is always heard; and
/// over ipc nothing is lost: when a sender ends while reading pauses, libzmq drops the rest.
static Socket make_socket(void* context, int type, const char* name) {
    Socket socket(check(zmq_socket(context, type), "zmq_socket", name));
    const int no_limit = 0;
    check(zmq_setsockopt(socket.get(), ZMQ_SNDHWM, &no_limit, sizeof no_limit), "zmq_setsockopt",
          "ZMQ_SNDHWM");
    check(zmq_setsockopt(socket.get(), ZMQ_RCVHWM, &no_limit, sizeof no_limit), "zmq_setsockopt",
          "ZMQ_RCVHWM");
    return socket;
}

/// Reads one signal of a sinker: READY or STOP. STOP is its last word.
static void hear(void* control, std::string& said) {
    Message signal;
    check(zmq_msg_recv(signal.get(), control, 0), "zmq_msg_recv");
    const auto word = signal.bytes();
    if (zmq_msg_more(signal.get()) == 1 || (word != "READY" && word != "STOP"))
        left_out("no signal: " + text(word));
    else if (said != "STOP")
        said = word;
    while (zmq_msg_more(signal.get()) == 1)
        check(zmq_msg_recv(signal.get(), control, 0), "zmq_msg_recv");
}

int main(int argc, char** argv) try {
    std::vector<std::string> endpoints{"tcp://127.0.0.1:5557", "tcp://127.0.0.1:5567"};
    std::vector<std::string> sinks{"tcp://127.0.0.1:5558"}, controls{"tcp://127.0.0.1:5559"};
    int work = 0;
    bool quiet = false;
    parse(argc, argv, "does the tasks of several senders and passes the results to several sinkers",
          {{"connect ENDPOINT", &endpoints, "PULL connects, one to each sender"},
           {"sink ENDPOINT", &sinks, "PUSH connects, one to each sinker, in the senders' order"},
           {"control ENDPOINT", &controls, "SUB connects, one to each sinker's control socket"},
           {"work MS", &work, "simulated work for each task"},
           {"quiet", &quiet, quiet_help}});
    if (sinks.size() != controls.size())
        wrong_argument("--sink and --control: each sinker has one of both");

    const Context context(check(zmq_ctx_new(), "zmq_ctx_new"));
    const Interrupt interrupt(context.get(), Interrupt::by_itself);
    Summary tasks("task", "tasks", quiet);
    std::vector<Socket> to_sinkers, receivers;  // receivers: the controls, then the senders
    for (const auto& control : controls) {
        const auto& socket = receivers.emplace_back(make_socket(context.get(), ZMQ_SUB, "SUB"));
        check(zmq_setsockopt(socket.get(), ZMQ_SUBSCRIBE, "", 0), "zmq_setsockopt",
              "ZMQ_SUBSCRIBE");
        check(zmq_connect(socket.get(), control.c_str()), "zmq_connect", control);
    }
    for (const auto& sink : sinks) {
        const auto& socket = to_sinkers.emplace_back(make_socket(context.get(), ZMQ_PUSH, "PUSH"));
        check(zmq_setsockopt(socket.get(), ZMQ_LINGER, &linger_at_interrupt,
                             sizeof linger_at_interrupt),
              "zmq_setsockopt", "ZMQ_LINGER");
        check(zmq_connect(socket.get(), sink.c_str()), "zmq_connect", sink);
    }
    for (size_t i = 0; i < endpoints.size(); ++i)  // connected later
        receivers.push_back(make_socket(context.get(), ZMQ_PULL, "PULL"));
    std::vector<zmq_pollitem_t> items;
    for (const auto& socket : receivers) items.push_back({socket.get(), 0, ZMQ_POLLIN, 0});

    std::vector<std::string> said(controls.size());  // by each sinker: READY, then STOP
    const auto how_many = [&said](const char* word) {
        return std::count(said.begin(), said.end(), word);
    };
    bool asking = false;
    Message task;
    if (!quiet) std::printf("waiting for the sinkers\n");
    while (true) {
        check(zmq_poll(items.data(), static_cast<int>(items.size()), -1), "zmq_poll");
        for (size_t i = 0; i < controls.size(); ++i)
            if (items[i].revents != 0) hear(items[i].socket, said[i]);
        // Nothing that is still unsent is missed: each sinker has all that it wants.
        if (how_many("STOP") == std::ssize(said)) return 0;
        // Each sinker has answered the subscription, so its stop signal will be heard, too. Now
        // tasks may come.
        if (!asking && how_many("") == 0) {
            for (size_t i = 0; i < endpoints.size(); ++i)
                check(zmq_connect(receivers[controls.size() + i].get(), endpoints[i].c_str()),
                      "zmq_connect", endpoints[i]);
            asking = true;
            if (!quiet) std::printf("asking for tasks\n");
        }
        // From each sender that has sent something only a few at a time, so that no other waits.
        for (size_t i = controls.size(); i < items.size(); ++i) {
            if (items[i].revents == 0) continue;
            for (int few = work > 0 ? 1 : 100; few > 0; --few) {
                if (!ready(zmq_msg_recv(task.get(), items[i].socket, ZMQ_DONTWAIT), "zmq_msg_recv"))
                    break;
                tasks.start();
                const int n = task_number(task.bytes());
                if (zmq_msg_more(task.get()) == 1 || n < 1) {
                    left_out("no task: " + text(task.bytes()));
                    while (zmq_msg_more(task.get()) == 1)
                        check(zmq_msg_recv(task.get(), items[i].socket, 0), "zmq_msg_recv");
                    continue;
                }
                if (!quiet) std::printf("task %s\n", text(task.bytes()).c_str());
                if (work > 0) interrupt.pause(work);
                const size_t k = static_cast<size_t>(n) % to_sinkers.size();
                if (!ready(zmq_msg_send(task.get(), to_sinkers[k].get(), ZMQ_DONTWAIT),
                           "zmq_msg_send"))
                    left_out("result " + text(task.bytes()) + ": no sinker at " + sinks[k]);
                else
                    ++tasks;
            }
        }
    }
} catch (...) {
    return exit_status();
}
