using System.Collections.Frozen;

namespace Bitis.Checkpoints.Torch.Pickle;

/// <summary>Python names known to run commands or code, or to reach files and networks.</summary>
/// <remarks>
/// No weights need one, so a file that has one is refused as a whole: whoever loads it elsewhere should know. The list
/// cannot be complete; safety does not rest on it, since nothing in a pickle is run here.
/// </remarks>
internal static class HarmfulNames
{
    /// <summary>Modules of which nothing belongs into a checkpoint.</summary>
    private static readonly FrozenSet<string> Modules = new[]
    {
        "os", "posix", "nt", "subprocess", "sys", "shutil", "socket", "importlib", "imp", "runpy", "pty", "ctypes",
        "codeop", "pdb", "bdb", "cProfile", "timeit", "webbrowser", "popen2", "asyncio", "marshal", "pickle",
        "cPickle", "dill", "cloudpickle", "pip", "ftplib", "smtplib", "telnetlib", "zipimport", "pkgutil", "doctest",
        "posixsubprocess", "frozen_importlib", "frozen_importlib_external", "httpx",
    }.ToFrozenSet(StringComparer.Ordinal);

    /// <summary>Names of modules that also hold harmless ones.</summary>
    private static readonly FrozenSet<string> Names = new[]
    {
        "eval", "exec", "execfile", "compile", "open", "file", "__import__", "setattr", "delattr", "globals", "locals",
        "vars", "input", "raw_input", "breakpoint", "apply", "reload",
    }.SelectMany(name => (string[])[$"builtins.{name}", $"__builtin__.{name}"]).Concat(
    [
        "io.open", "io.FileIO", "_io.open", "_io.FileIO", "codecs.open", "types.FunctionType", "types.CodeType",
        "operator.methodcaller", "operator.attrgetter", "code.InteractiveInterpreter", "code.InteractiveConsole",
        "code.interact", "commands.getoutput", "commands.getstatusoutput", "profile.run", "trace.Trace",
        "torch.load", "torch.jit.load", "torch.hub.load",
        "torch.hub.load_state_dict_from_url", "torch.serialization.load", "torch.package.PackageImporter",
        "urllib.request.urlopen", "urllib.request.urlretrieve", "urllib.urlopen", "urllib2.urlopen", "requests.get",
        "requests.post", "requests.request", "requests.api.get", "requests.api.post", "numpy.load", "numpy.fromfile",
        "pandas.eval", "pandas.read_pickle", "joblib.load",
    ]).ToFrozenSet(StringComparer.Ordinal);

    private static readonly FrozenSet<string>.AlternateLookup<ReadOnlySpan<char>> ModuleParts =
        Modules.GetAlternateLookup<ReadOnlySpan<char>>();

    /// <summary>What leads from a harmless name to a harmful one, as in <c>random._os.system</c>.</summary>
    /// <remarks>Underscores in front do not count, but for those of Python's own names.</remarks>
    private static readonly FrozenSet<string> Ways = new[]
    {
        "os", "posix", "nt", "subprocess", "sys", "ctypes", "importlib", "shutil", "runpy", "cpp_extension",
        "__import__", "__globals__", "__builtins__", "__subclasses__", "__code__",
    }.ToFrozenSet(StringComparer.Ordinal);

    /// <summary>Functions that do harm under whatever module's name, without underscores in front.</summary>
    private static readonly FrozenSet<string> Functions = new[]
    {
        "system", "popen", "spawnv", "spawnve", "spawnl", "spawnv_passfds", "fork_exec", "execv", "execve", "urlopen",
        "urlretrieve", "unsafe_load", "read_pickle", "get_command_stdout", "pipepager", "runstring", "dictConfig",
        "download_url_to_file", "load_state_dict_from_url", "HTTPConnection", "HTTPSConnection", "create_connection",
    }.ToFrozenSet(StringComparer.Ordinal);

    private static readonly FrozenSet<string>.AlternateLookup<ReadOnlySpan<char>> WayParts =
        Ways.GetAlternateLookup<ReadOnlySpan<char>>();

    private static readonly FrozenSet<string>.AlternateLookup<ReadOnlySpan<char>> FunctionParts =
        Functions.GetAlternateLookup<ReadOnlySpan<char>>();

    /// <summary>Whether a name is known to do harm where code is run.</summary>
    /// <param name="name">Module and name.</param>
    public static bool Contains(string name)
    {
        if (Names.Contains(name))
            return true;
        ReadOnlySpan<char> rest = name;
        for (bool isFirst = true; !rest.IsEmpty; isFirst = false)
        {
            int dot = rest.IndexOf('.');
            ReadOnlySpan<char> part = dot < 0 ? rest : rest[..dot], bare = part.TrimStart('_');
            bool isKnown = isFirst
                ? ModuleParts.Contains(bare)
                : WayParts.Contains(part) || WayParts.Contains(bare) || (dot < 0 && FunctionParts.Contains(bare));
            if (isKnown)
                return true;
            rest = dot < 0 ? [] : rest[(dot + 1)..];
        }
        return false;
    }
}
