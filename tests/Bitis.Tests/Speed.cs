namespace Bitis.Tests;

/// <summary>The trait of test classes that take seconds: <c>./test.sh --quick</c> leaves out the slow ones.</summary>
internal static class Speed
{
    public const string Name = "Speed", Slow = "Slow";
}
