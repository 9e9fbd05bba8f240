%% Asks one of RabbitMQ's framing modules what it knows. The arguments are the folder of the module,
%% its name, and a file of terms {{Class, Method}, Payload} or {{Class, properties}, Payload}.
%%
%% It writes a line for each method: number of the class, of the method, its name, whether it waits
%% for an answer, whether a content follows, and what comes of reading the payload with RabbitMQ's
%% code and writing it again: true when that gives the same octets. Lines with two words are
%% constants.

main([Folder, Name, File]) ->
    true = code:add_patha(Folder),
    Module = list_to_atom(Name),
    {ok, Payloads} = file:consult(File),
    Known = [{Class, Method} || Class <- lists:seq(0, 200), Method <- lists:seq(0, 600),
                                is_atom(catch Module:lookup_method_name({Class, Method}))],
    [tell_method(Module, Number, Payloads) || Number <- Known],
    tell_properties(Module, Payloads),
    [io:format("~p ~s~n", [Code, Constant]) || Code <- lists:seq(0, 65535),
        Constant <- [Module:amqp_exception(Code)], Constant =/= undefined].

tell_method(Module, {Class, Method} = Number, Payloads) ->
    Name = Module:lookup_method_name(Number),
    Read = fun(Octets) -> Module:decode_method_fields(Name, Octets) end,
    Write = fun(Record) -> Module:encode_method_fields(Record) end,
    io:format("~p ~p ~s ~p ~p ~p~n", [
        Class, Method, Name,
        Module:is_method_synchronous(Module:method_record(Name)),
        Module:method_has_content(Name),
        same(Read, Write, Number, Payloads)]).

%% Of the properties, only those of basic are alike in all versions.
tell_properties(Module, Payloads) ->
    Read = fun(Octets) -> Module:decode_properties(60, Octets) end,
    Write = fun(Record) -> Module:encode_properties(Record) end,
    Same = same(Read, Write, {60, properties}, Payloads),
    io:format("60 0 basic.properties false false ~p~n", [Same]).

same(Read, Write, Number, Payloads) ->
    case lists:keyfind(Number, 1, Payloads) of
        {_, Octets} -> catch iolist_to_binary(Write(Read(Octets))) =:= Octets;
        false -> absent
    end.
