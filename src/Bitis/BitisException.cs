namespace Bitis;

/// <summary>Something the caller gave us cannot be used: a file, an option, a model, an image.</summary>
/// <remarks>
/// The message stands alone: it names the file and the place in it, says what was expected, and what to do. The command
/// line prints it and exits with code 2; every other exception is a defect of ours and exits with code 1. Names in it
/// come from strangers' files, so the message is escaped and cut here, once for all (<see cref="DisplayText"/>).
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

    /// <summary>.NET adds the name of our parameter, which says nothing to a user.</summary>
    private static string WithoutParameter(string message, Exception cause) =>
        cause is ArgumentException { ParamName: { Length: > 0 } name }
            ? message.Replace($" (Parameter '{name}')", "", StringComparison.Ordinal)
            : message;
}
