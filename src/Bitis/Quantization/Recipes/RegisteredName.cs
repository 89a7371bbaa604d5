namespace Bitis.Quantization.Recipes;

/// <summary>Checks the names of methods and estimators, which stand on command lines and in files.</summary>
internal static class RegisteredName
{
    private const int MaxLength = 60;

    /// <summary>Returns the name if it is valid.</summary>
    /// <exception cref="ArgumentException">The name is empty, too long, or has other characters.</exception>
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
