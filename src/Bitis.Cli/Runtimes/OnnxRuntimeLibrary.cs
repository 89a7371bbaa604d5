using System.Reflection;
using System.Runtime.InteropServices;
using Microsoft.ML.OnnxRuntime;

namespace Bitis.Cli.Runtimes;

/// <summary>The native library of ONNX Runtime, which is not part of the tool.</summary>
internal static class OnnxRuntimeLibrary
{
    private const string Name = "onnxruntime", Entry = "OrtGetApiBase";

    private static readonly Lock Loading = new();
    private static nint _handle;

    /// <summary>Loads the library once for the process.</summary>
    /// <param name="file">The library; null to search for it as the system does.</param>
    /// <returns>Whether there is one.</returns>
    /// <exception cref="BitisException">The file cannot be used.</exception>
    public static bool TryUse(string? file)
    {
        Assembly managed = typeof(OrtEnv).Assembly;
        lock (Loading)
        {
            if (_handle != 0)
                return true;
            nint handle;
            if (file is null)
            {
                if (!NativeLibrary.TryLoad(Name, managed, searchPath: null, out handle))
                    return false;
            }
            else
            {
                handle = Load(file);
            }
            OrtEnv.DisableDllImportResolver = true;
            try
            {
                NativeLibrary.SetDllImportResolver(managed, (name, _, _) => name == Name ? handle : 0);
            }
            catch (InvalidOperationException)
            {
                // Another user of ONNX Runtime in this process has loaded its library already.
            }
            _handle = handle;
            RequireVersion(file);
            return true;
        }
    }

    private static nint Load(string file)
    {
        if (Directory.Exists(file))
        {
            throw BitisException.InFile(
                file, "this is a folder; the native library of ONNX Runtime was expected, such as libonnxruntime.so.");
        }
        if (!File.Exists(file))
        {
            throw BitisException.InFile(
                file, "there is no such file; the native library of ONNX Runtime was expected.");
        }
        try
        {
            nint handle = NativeLibrary.Load(Path.GetFullPath(file));
            return NativeLibrary.TryGetExport(handle, Entry, out _) ? handle : throw NotOurs(file);
        }
        catch (Exception e) when (e is DllNotFoundException or BadImageFormatException)
        {
            throw new BitisException(
                $"{file}: cannot be loaded as the native library of ONNX Runtime; give that of this system.", e);
        }
    }

    /// <summary>An older library has no interface of the version that the tool was built with.</summary>
    private static void RequireVersion(string? file)
    {
        try
        {
            OrtEnv.Instance();
        }
        catch (Exception e) when (e is TypeInitializationException or NullReferenceException or ArgumentNullException)
        {
            throw NotOurs(file ?? Name);
        }
    }

    private static BitisException NotOurs(string file) => BitisException.InFile(
        file,
        $"this is not the native library of ONNX Runtime {typeof(OrtEnv).Assembly.GetName().Version?.ToString(2)} or "
        + "later.");
}
