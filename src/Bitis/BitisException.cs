namespace Bitis;

/// <summary>An input of the caller cannot be used: a file, an option, a model, an image.</summary>
/// <remarks>
/// The message is complete: it names the file and the place in it, what was expected, and what to do. The command line
/// prints it and exits with code 2. Any other exception is a defect of Bitis and exits with code 1. Names in the
/// message may come from untrusted files, so the message is escaped and cut here (<see cref="DisplayText"/>).
/// </remarks>
public sealed class BitisException : Exception
{
    /// <summary>Creates the exception from a complete message.</summary>
    public BitisException(string message)
        : base(DisplayText.Of(message, DisplayText.MessageLength))
    {
    }

    /// <summary>Creates the exception from a complete message and the failure that caused it.</summary>
    public BitisException(string message, Exception innerException)
        : base(DisplayText.Of(WithoutParameter(message, innerException), DisplayText.MessageLength), innerException)
    {
    }

    /// <summary>A problem in a file: <c>"file: problem"</c>.</summary>
    /// <param name="file">The path or name of the file, as the user gave it.</param>
    /// <param name="problem">The place, what was found, what was expected and what to do.</param>
    public static BitisException InFile(string file, string problem) => new($"{file}: {problem}");

    /// <summary>Removes the parameter's name that .NET adds to a message.</summary>
    private static string WithoutParameter(string message, Exception cause) =>
        cause is ArgumentException { ParamName: { Length: > 0 } name }
            ? message.Replace($" (Parameter '{name}')", "", StringComparison.Ordinal)
            : message;
}
