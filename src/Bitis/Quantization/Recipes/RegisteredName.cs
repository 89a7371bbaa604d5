namespace Bitis.Quantization.Recipes;

/// <summary>The names of methods and estimators: words on command lines and in files.</summary>
internal static class RegisteredName
{
    private const int MaxLength = 60;

    /// <summary>The name, if it can be one.</summary>
    /// <exception cref="ArgumentException">It is empty, too long, or has other characters.</exception>
    public static string Checked(string name)
    {
        ArgumentNullException.ThrowIfNull(name);
        return name.Length is > 0 and <= MaxLength && name.All(IsAllowed)
            ? name
            : throw new ArgumentException(
                $"'{name}' cannot be a name: expected 1 to {MaxLength} letters, digits, '+', '-', '_' and '.'.",
                nameof(name));

        static bool IsAllowed(char letter) =>
            char.IsAsciiLetterOrDigit(letter) || letter is '+' or '-' or '_' or '.';
    }
}
